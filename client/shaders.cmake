# ferry_add_shaders(TARGET FILE...): compiles GLSL at build time into headers for TARGET.
#
#   ferry_add_shaders(ferry-renderer scene.vert scene.frag)
#
# gives `#include "shaders/scene.vert.h"` with `const uint32_t kSceneVert[]` (SPIR-V for Vulkan 1.2): pass sizeof and
# pointer to vkCreateShaderModule. Paths are relative to the folder of the caller; base names must differ in a target.
find_program(FERRY_GLSLANG_VALIDATOR glslangValidator REQUIRED)

function(ferry_add_shaders target)
  set(include_folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_shaders)
  set(headers)
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source)
    cmake_path(GET source FILENAME filename)
    string(REGEX MATCHALL "[A-Za-z0-9]+" words ${filename})
    set(variable k)
    foreach(word IN LISTS words)
      string(SUBSTRING ${word} 0 1 first)
      string(SUBSTRING ${word} 1 -1 rest)
      string(TOUPPER ${first} first)
      string(APPEND variable ${first}${rest})
    endforeach()
    set(header ${include_folder}/shaders/${filename}.h)
    add_custom_command(
      OUTPUT ${header}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${include_folder}/shaders
      COMMAND ${FERRY_GLSLANG_VALIDATOR} --quiet -V --target-env vulkan1.2 --depfile ${header}.d --vn ${variable}
              -o ${header} ${source}
      DEPENDS ${source}
      DEPFILE ${header}.d
      COMMENT "Compiling shader ${filename}"
      VERBATIM)
    list(APPEND headers ${header})
  endforeach()
  target_sources(${target} PRIVATE ${headers})
  target_include_directories(${target} PRIVATE ${include_folder})
endfunction()
