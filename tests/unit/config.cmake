# weir_config_test(NAME): a test of src/config with the world of support/config_case.h.
function(weir_config_test name)
    weir_unit_test(${name} USES weir_config)
    target_sources(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/config_case.c)
    target_compile_definitions(test_${name} PRIVATE WEIR_ROOT="${PROJECT_SOURCE_DIR}")
endfunction()

foreach(name blocks check config_load deciding expand options parse property reading reference rules show tree value)
    weir_config_test(${name})
endforeach()

# Allocations fail on demand in our own code, and in libyaml's where its static library is at hand.
include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)
find_library(YAML_ARCHIVE libyaml.a)
foreach(name blocks parse)
    weir_alloc_fail(test_${name})
    if(YAML_ARCHIVE)
        target_link_libraries(test_${name} PRIVATE ${YAML_ARCHIVE})
    endif()
endforeach()
