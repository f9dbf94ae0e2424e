#include "config/property.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "support/config_case.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void knows_names_of_secrets(void **state)
{
    (void)state;
    static const char *const secrets[] = {
        "sasl.password",
        "ssl.key.password",
        "ssl.keystore.password",
        "ssl.key.pem",
        "ssl_key",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "KAFKA_PASSWORD",
        "API_KEY",
        "token",
        "sasl.oauthbearer.assertion.private.key.passphrase",
    };
    static const char *const others[] = {
        "bootstrap.servers",
        "sasl.username",
        "ssl.key.location",
        "ssl.certificate.pem",
        "ssl.ca.pem",
        "sasl.oauthbearer.token.endpoint.url",
        "password.file",
        "",
        "KEYS",
    };
    for (size_t i = 0; i < COUNT(secrets); i++)
        assert_true(property_is_secret(secrets[i]));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(property_is_secret(others[i]));
}

static void passes_properties_on_as_they_are_written(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec("pipeline: p\nregistry: { dir: d }\ninput: { topic: in }\n"
                                       "output: { topic: out }\nkafka:\n  bootstrap.servers: a,b\n"
                                       "  linger.ms: 20\n  sasl.password: hunter2\n  client.id: \"\"\n"
                                       "  sasl.username: \"${file:/secret}\"\n");
    assert_int_equal(spec->n_kafka, 5);
    assert_string_equal(spec->kafka[0].name, "bootstrap.servers");
    assert_string_equal(spec->kafka[0].value, "a,b");
    assert_false(spec->kafka[0].secret);
    assert_int_equal(spec->kafka[1].at.line, 7);
    assert_int_equal(spec->kafka[1].at.column, 3);
    assert_true(spec->kafka[2].secret);
    assert_string_equal(spec->kafka[3].value, "");
    assert_true(spec->kafka[4].secret);
    assert_string_equal(spec->kafka[4].value, "s3cret");
    config_free(spec);
}

static void refuses_every_reserved_property_with_the_reason(void **state)
{
    (void)state;
    for (const struct property_reserved *row = property_reserved; row->name; row++) {
        char text[256], message[WEIR_ERR_TEXT_MAX];
        struct weir_spec *spec;
        struct weir_err err;
        (void)snprintf(text, sizeof text, "kafka:\n  %s: x\n", row->name);
        (void)snprintf(message, sizeof message, "f:2:3: kafka.%s cannot be set, weir does: %s", row->name,
                       row->why);
        assert_int_equal(case_parse(text, &spec, &err), WEIR_ERR_CONFIG);
        assert_string_equal(err.text, message);
    }
}

static void refuses_what_is_no_property(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"kafka: [a]\n", "f:1:8: kafka needs a map of librdkafka properties"},
        {"kafka: a\n", "f:1:8: kafka needs a map of librdkafka properties"},
        {"kafka:\n  security: { protocol: ssl }\n",
         "f:2:13: kafka: 'security' needs a single value; names are written with their dots, as in "
         "security.protocol: ssl"},
        {"kafka:\n  client.id:\n", "f:2:13: kafka: 'client.id' has no value; write \"\" for an empty one"},
    };
    case_errors(cases, COUNT(cases));
}

static void bounds_their_number(void **state)
{
    (void)state;
    char text[32 * PROPERTY_COUNT_MAX] = "kafka:\n";
    for (int i = 0; i <= PROPERTY_COUNT_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "  p%d: x\n", i);
    case_errors(&(struct case_error){text, "f:2:3: kafka has more than 256 properties"}, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_names_of_secrets),
        cmocka_unit_test(passes_properties_on_as_they_are_written),
        cmocka_unit_test(refuses_every_reserved_property_with_the_reason),
        cmocka_unit_test(refuses_what_is_no_property),
        cmocka_unit_test(bounds_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
