foreach(name err arena bytes utf8)
    weir_unit_test(${name} USES weir_base)
endforeach()
