# The program's own files are no library: a test takes the one that it tests.
foreach(name headcount interrupt supervisor timepiece)
    weir_unit_test(${name} USES weir_sys weir_base)
    target_sources(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src/cmd/${name}.c)
endforeach()

# Values tried against schemas; line.c is how their outcomes are shown.
include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)
weir_unit_test(bare USES weir_core weir_avro weir_base)
weir_alloc_fail(test_bare)
target_sources(test_bare PRIVATE ${PROJECT_SOURCE_DIR}/src/cmd/bare.c ${PROJECT_SOURCE_DIR}/src/cmd/line.c)
