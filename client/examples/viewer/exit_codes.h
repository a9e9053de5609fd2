#pragma once

namespace viewer {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitWrongPicture = 2;  ///< --verify-stamp found one
inline constexpr int kExitValidation = 3;    ///< --validate: the layer had something to say

}  // namespace viewer
