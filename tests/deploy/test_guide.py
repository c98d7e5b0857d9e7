"""docs/deployment.md names what there is; its links and commands are looked at in tests.test_documentation."""

import re

from core.config import Settings
from tests.deploy.files import DEPLOY, ROOT
from tests.deploy.test_monitoring import RULES

GUIDE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
# Those of Compose and of the Bot API server.
OF_OTHERS = {"TORCH_INDEX", "COMPOSE_FILE", "COMPOSE_PROFILES", "TELEGRAM_API_ID", "TELEGRAM_API_HASH"}


def test_settings_that_it_names_are_there():
    named = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", GUIDE))
    assert named - {name.upper() for name in Settings.model_fields} == OF_OTHERS
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert [name for name in OF_OTHERS if name not in compose] == []


def test_every_alarm_is_explained():
    assert [rule["alert"] for rule in RULES if f"| {rule['alert']} |" not in GUIDE] == []
