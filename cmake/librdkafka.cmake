# weir_librdkafka: librdkafka with all it needs. Where script/setup had to build one it is that, static; else the system's.
# From 2.8.0 on, because earlier ones lose or double records or cannot log in to Kafka 4 (docs/ARCHITECTURE.md); not
# 2.10.0, which goes round in an endless re-bootstrap.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

set(weir_cache $ENV{WEIR_CACHE})
if(NOT weir_cache)
    set(weir_cache $ENV{XDG_CACHE_HOME})
    if(NOT weir_cache)
        set(weir_cache $ENV{HOME}/.cache)
    endif()
    string(APPEND weir_cache /weir)
endif()
# The name of WEIR_RDKAFKA in script/lib/env.sh.
cmake_host_system_information(RESULT weir_distribution QUERY DISTRIB_ID DISTRIB_VERSION_ID)
list(JOIN weir_distribution "" weir_distribution)
set(weir_rdkafka ${weir_cache}/librdkafka-${weir_distribution}-${CMAKE_HOST_SYSTEM_PROCESSOR})
if(WEIR_TSAN)
    string(APPEND weir_rdkafka -tsan)
    if(NOT EXISTS ${weir_rdkafka}/lib/librdkafka.a)
        message(FATAL_ERROR "librdkafka with the thread sanitizer is missing: run script/setup tsan")
    endif()
endif()

add_library(weir_librdkafka INTERFACE IMPORTED GLOBAL)
if(EXISTS ${weir_rdkafka}/lib/librdkafka.a)
    file(STRINGS ${weir_rdkafka}/lib/pkgconfig/rdkafka-static.pc RDKAFKA_VERSION REGEX "^Version: ")
    string(REPLACE "Version: " "" RDKAFKA_VERSION "${RDKAFKA_VERSION}")
    # Its rdkafka-static.pc names no library but librdkafka.a, so they are named here.
    pkg_check_modules(RDKAFKA_NEEDS REQUIRED IMPORTED_TARGET openssl zlib libzstd liblz4 libsasl2 libcurl)
    target_include_directories(weir_librdkafka SYSTEM INTERFACE ${weir_rdkafka}/include)
    target_link_libraries(weir_librdkafka INTERFACE ${weir_rdkafka}/lib/librdkafka.a PkgConfig::RDKAFKA_NEEDS
        Threads::Threads ${CMAKE_DL_LIBS} m)
    set(weir_rdkafka_from "${weir_rdkafka}, static")
else()
    pkg_check_modules(RDKAFKA IMPORTED_TARGET rdkafka)
    if(NOT RDKAFKA_FOUND)
        message(FATAL_ERROR "librdkafka is missing: run script/setup build")
    endif()
    target_link_libraries(weir_librdkafka INTERFACE PkgConfig::RDKAFKA Threads::Threads)
    set(weir_rdkafka_from "the system's")
endif()

if(RDKAFKA_VERSION VERSION_LESS 2.8.0)
    message(FATAL_ERROR "librdkafka ${RDKAFKA_VERSION} (${weir_rdkafka_from}) is too old, weir needs 2.8.0 or later: "
        "run script/setup build")
elseif(RDKAFKA_VERSION VERSION_EQUAL 2.10.0)
    message(FATAL_ERROR "librdkafka 2.10.0 (${weir_rdkafka_from}) can loop for ever when it reconnects: install another "
        "version, 2.8.0 or later")
endif()
message(STATUS "librdkafka ${RDKAFKA_VERSION} (${weir_rdkafka_from})")
