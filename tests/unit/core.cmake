weir_unit_test(nearest USES weir_base)
