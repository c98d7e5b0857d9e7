
U
xPlaceholder*
dtype0*6
shape-:+ÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿÿ
<
g/DepthToSpaceDepthToSpacex*
T0*

block_size
<
g/SpaceToDepthSpaceToDepthx*
T0*

block_size
>
g/SpaceToDepth_1SpaceToDepthx*
T0*

block_size
M
g/DepthToSpace_1DepthToSpaceg/SpaceToDepth_1*
T0*

block_size
-
to_spaceIdentityg/DepthToSpace*
T0
-
to_depthIdentityg/SpaceToDepth*
T0
5
there_and_backIdentityg/DepthToSpace_1*
T0"ª