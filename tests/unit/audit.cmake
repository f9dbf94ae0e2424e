foreach(file sip compare expiry annals)
    weir_unit_test(${file} USES weir_audit weir_core weir_base)
endforeach()
