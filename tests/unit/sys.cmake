foreach(name clock cpus log)
    weir_unit_test(${name} USES weir_sys)
endforeach()
