weir_fuzzer(config USES weir_config)
