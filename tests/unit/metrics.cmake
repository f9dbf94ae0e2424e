weir_unit_test(counters USES weir_metrics)
