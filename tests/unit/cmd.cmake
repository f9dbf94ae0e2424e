# The program's own files are no library: a test takes the one that it tests.
foreach(name headcount supervisor timepiece)
    weir_unit_test(${name} USES weir_sys weir_base)
    target_sources(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src/cmd/${name}.c)
endforeach()
