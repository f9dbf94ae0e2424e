#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

/* A file with a text, whose path goes into path. */
static void make_file(char path[32], const char *text)
{
    strcpy(path, "/tmp/weir-test-load-XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
}

static void loads_the_shipped_file(void **state)
{
    (void)state;
    struct weir_spec *spec = NULL;
    struct weir_err err;
    unsetenv("WEIR_BOOTSTRAP_SERVERS");
    unsetenv("WEIR_SCHEMAS");
    if (config_load(WEIR_ROOT "/config/user-login.yaml", &spec, &err))
        fail_msg("%s", err.text);
    assert_string_equal(spec->core.pipeline, "user-login");
    assert_string_equal(spec->core.input_topic, "user-login");
    assert_string_equal(spec->output.topic, "processed-user-login");
    assert_string_equal(spec->dead_letter.topic, "user-login-dlq");
    assert_string_equal(spec->registry.dir, "schemas");
    assert_string_equal(spec->kafka[0].value, "localhost:9092");
    assert_int_equal(spec->core.n_drop_when, 0);
    assert_int_equal(spec->core.n_check, 1);
    assert_int_equal(spec->core.n_set, 5);
    config_free(spec);
}

static void asks_the_environment_and_files(void **state)
{
    (void)state;
    char secret[32], path[32], text[512];
    struct weir_spec *spec = NULL;
    struct weir_err err;
    make_file(secret, "s3cret\n");
    (void)snprintf(text, sizeof text,
                   "pipeline: p\nregistry: { dir: d }\ninput: { topic: in }\noutput: { topic: out }\n"
                   "kafka:\n  bootstrap.servers: \"${WEIR_TEST_BROKERS}\"\n  sasl.password: \"${file:%s}\"\n",
                   secret);
    make_file(path, text);
    setenv("WEIR_TEST_BROKERS", "b1,b2", 1);
    if (config_load(path, &spec, &err))
        fail_msg("%s", err.text);
    assert_string_equal(spec->kafka[0].value, "b1,b2");
    assert_string_equal(spec->kafka[1].value, "s3cret");
    config_free(spec);
    unlink(secret);
    unlink(path);
}

static void says_what_cannot_be_read(void **state)
{
    (void)state;
    struct weir_spec *spec = NULL;
    struct weir_err err;
    assert_int_equal(config_load("/no/such/file.yaml", &spec, &err), WEIR_ERR_NOT_FOUND);
    assert_string_equal(err.text, "/no/such/file.yaml: No such file or directory");
    assert_int_equal(config_load("/tmp", &spec, &err), WEIR_ERR_IO);
    assert_string_equal(err.text, "/tmp: Is a directory");
    assert_int_equal(config_load("/dev/zero", &spec, &err), WEIR_ERR_IO);
    assert_string_equal(err.text, "/dev/zero: it has more than 1048576 bytes");
    assert_null(spec);
}

static void reads_standard_input(void **state)
{
    (void)state;
    char path[32];
    struct weir_spec *spec = NULL;
    struct weir_err err;
    make_file(path, "pipeline: [\n");
    assert_non_null(freopen(path, "r", stdin));
    assert_int_equal(config_load("-", &spec, &err), WEIR_ERR_CONFIG);
    assert_memory_equal(err.text, "<stdin>:2:1: ", strlen("<stdin>:2:1: "));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_the_shipped_file),
        cmocka_unit_test(asks_the_environment_and_files),
        cmocka_unit_test(says_what_cannot_be_read),
        cmocka_unit_test(reads_standard_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
