"""sRGB to CIE L*a*b* (D65) and back, on torch tensors."""

import numpy as np
import torch
from torch import Tensor

# IEC 61966-2-1, linear sRGB to XYZ, each row divided by the D65 white point so that white is (1, 1, 1).
_TO_XYZ = (
    (0.4339531, 0.3762192, 0.1898277),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0177566, 0.1094680, 0.8727754),
)
# Not by the device: a GPU would be waited for.
_FROM_XYZ = np.linalg.inv(_TO_XYZ).tolist()
_EPSILON = 216 / 24389
_KAPPA = 24389 / 27


def lab_from_srgb(rgb: Tensor) -> Tensor:
    """float32 [N, 3, H, W], sRGB 0-1 in; L* 0-100, a* and b* about -110 to 110 out."""
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = torch.einsum("ij,njhw->nihw", rgb.new_tensor(_TO_XYZ), linear)
    cubic = torch.where(xyz > _EPSILON, xyz.clamp(min=_EPSILON) ** (1 / 3), (_KAPPA * xyz + 16) / 116)
    x, y, z = cubic.unbind(1)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), 1)


def srgb_from_lab(lab: Tensor) -> Tensor:
    """The way back; colours outside sRGB are clipped to 0-1."""
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    cubic = torch.stack((y + a / 500, y, y - b / 200), 1)
    xyz = torch.where(cubic > _EPSILON ** (1 / 3), cubic**3, (116 * cubic - 16) / _KAPPA)
    linear = torch.einsum("ij,njhw->nihw", lab.new_tensor(_FROM_XYZ), xyz).clamp_(0, 1)
    return torch.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
