foreach(name clock cpus log remedy)
    weir_unit_test(${name} USES weir_sys)
endforeach()
