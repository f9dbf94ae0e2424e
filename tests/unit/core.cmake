include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)

weir_unit_test(nearest USES weir_base)
foreach(file format wire route envelope)
    weir_unit_test(${file} USES weir_core weir_base)
endforeach()
