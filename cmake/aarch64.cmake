# Cross-compiles for ARM on Debian (gcc-aarch64-linux-gnu) and runs what was built under qemu-user. The environment
# variable QEMU_CPU chooses the CPU that is emulated. Libraries come from a folder that scripts/arm64_libraries.sh fills.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

set(LLM_ARM64_LIBRARIES ${CMAKE_CURRENT_LIST_DIR}/../build/arm64 CACHE PATH "Where the libraries of ARM lie")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LLM_ARM64_LIBRARIES)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${LLM_ARM64_LIBRARIES})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${LLM_ARM64_LIBRARIES}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${LLM_ARM64_LIBRARIES})
