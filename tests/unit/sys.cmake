foreach(name clock log)
    weir_unit_test(${name} USES weir_sys)
endforeach()
