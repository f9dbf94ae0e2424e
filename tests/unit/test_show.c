#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "support/config_case.h"

static const char text[] = "pipeline: p\n"
                           "kafka:\n"
                           "  bootstrap.servers: \"${SET}\"\n"
                           "  sasl.password: hunter2\n"
                           "  sasl.username: \"${file:/secret}\"\n"
                           "registry: { dir: \"a\\\"\\tb\" }\n"
                           "input: { topic: in }\n"
                           "output: { topic: out, partition: { field: id } }\n"
                           "drop_when:\n"
                           "  - { field: locale, in: [NO, \"true\"] }\n"
                           "set:\n"
                           "  a: { now: millis }\n"
                           "  b: \"x\\ny\"\n";

/* What config_show prints of the text above; for the caller to free. */
static char *shown(bool json)
{
    char *printed = NULL;
    size_t len;
    struct weir_err err;
    struct weir_spec *spec = case_spec(text);
    FILE *to = open_memstream(&printed, &len);
    assert_non_null(to);
    assert_int_equal(config_show(spec, json, to, &err), WEIR_OK);
    (void)fclose(to);
    config_free(spec);
    return printed;
}

static void expect_line(const char *printed, const char *line)
{
    if (!strstr(printed, line))
        fail_msg("missing: %s in\n%s", line, printed);
}

static void prints_every_value_and_where_it_came_from(void **state)
{
    (void)state;
    char *printed = shown(false);
    expect_line(printed, "pipeline                              p                                 f:1\n");
    expect_line(printed, "transaction.interval                  100ms                             default\n");
    expect_line(printed, "dead_letter.topic                     p-dlq                             default\n");
    expect_line(printed, "output.partition.field                id                                f:8\n");
    expect_line(printed, "registry.dir                          a\\\"\\u0009b                        f:6\n");
    expect_line(printed,
                "kafka.bootstrap.servers               value                             environment, f:3\n");
    expect_line(printed,
                "drop_when[0]                          { field: locale, in: [NO, \"true\"] }  f:10\n");
    expect_line(printed, "set.a                                 { now: millis }                   f:12\n");
    expect_line(printed, "set.b                                 \"x\\u000ay\"                        f:13\n");
    expect_line(printed, "kafka.isolation.level                 read_committed                    weir\n");
    expect_line(printed, "kafka.session.timeout.ms              10000                             default\n");
    assert_null(strstr(printed, "output.partition  "));
    assert_null(strstr(printed, "registry.url"));
    free(printed);
}

static void prints_json(void **state)
{
    (void)state;
    char *printed = shown(true);
    expect_line(printed,
                "[\n  {\"name\": \"pipeline\", \"value\": \"p\", \"from\": \"file\", \"line\": 1},\n");
    expect_line(printed, "{\"name\": \"registry.dir\", \"value\": \"a\\\"\\u0009b\", ");
    expect_line(printed,
                "{\"name\": \"transaction.interval\", \"value\": \"100ms\", \"from\": \"default\"},\n");
    expect_line(printed, "{\"name\": \"kafka.sasl.password\", \"value\": \"(secret)\", \"from\": \"file\", "
                         "\"line\": 4},\n");
    expect_line(printed, "{\"name\": \"kafka.sasl.username\", \"value\": \"(secret)\", \"from\": "
                         "\"secret file\", \"line\": 5},\n");
    expect_line(printed, "{\"name\": \"drop_when[0]\", \"value\": { \"field\": \"locale\", \"in\": "
                         "[\"NO\", \"true\"] }, \"from\": \"file\", \"line\": 10},\n");
    assert_string_equal(printed + strlen(printed) - 4, "}\n]\n");
    free(printed);
}

static void masks_the_secrets_of_a_registry(void **state)
{
    (void)state;
    char *printed = NULL;
    size_t len;
    struct weir_err err;
    struct weir_spec *spec = case_spec("pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\n"
                                       "output: { topic: out }\nregistry:\n  url: [http://a, http://b]\n"
                                       "  username: me\n  password: hunter2\n");
    FILE *to = open_memstream(&printed, &len);
    assert_int_equal(config_show(spec, false, to, &err), WEIR_OK);
    (void)fclose(to);
    expect_line(printed, "registry.url                          http://a, http://b                f:6\n");
    expect_line(printed, "registry.username                     me                                f:7\n");
    expect_line(printed, "registry.password                     (secret)                          f:8\n");
    assert_null(strstr(printed, "hunter2"));
    free(printed);
    config_free(spec);
}

static void never_shows_a_secret(void **state)
{
    (void)state;
    for (int json = 0; json <= 1; json++) {
        char *printed = shown(json);
        assert_null(strstr(printed, "hunter2"));
        assert_null(strstr(printed, "s3cret"));
        free(printed);
    }
}

static void says_when_it_cannot_write(void **state)
{
    (void)state;
    struct weir_err err;
    struct weir_spec *spec = case_spec(text);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(config_show(spec, false, full, &err), WEIR_ERR_IO);
    assert_string_equal(err.text, "cannot write: No space left on device");
    (void)fclose(full);
    config_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_every_value_and_where_it_came_from),
        cmocka_unit_test(prints_json),
        cmocka_unit_test(masks_the_secrets_of_a_registry),
        cmocka_unit_test(never_shows_a_secret),
        cmocka_unit_test(says_when_it_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
