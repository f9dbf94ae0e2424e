include(${PROJECT_SOURCE_DIR}/tests/support/alloc_fail.cmake)

# given.h serves tests of several rooms, but only where the room avro is linked.
foreach(test schema resolve decode encode json number region cursor slot)
    weir_unit_test(${test} USES weir_avro)
    weir_alloc_fail(test_${test})
    target_sources(test_${test} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/given.c)
endforeach()
