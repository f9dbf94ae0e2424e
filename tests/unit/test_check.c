#include "config/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/config_case.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define WITH_REGISTRY(map)                                                                                   \
    "pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out "              \
    "}\nregistry: " map "\n"

static void refuses_what_cannot_go_together(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry: { dir: d, url: 'http://u' }\n",
         "f:5:18: registry.url and registry.dir exclude each other"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry:\n  dir: d\n  url: http://u\n",
         "f:7:8: registry.url and registry.dir exclude each other"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry: { url: 'http://me:hunter2@h' }\n",
         "f:5:18: registry.url must be one or more http:// or https:// URLs without user, query and "
         "fragment, not (a "
         "secret)"},
        {WITH_REGISTRY("{ url: 'http://h', password: hunter2 }"),
         "f:5:40: registry.password needs registry.username"},
        {WITH_REGISTRY("{ url: 'http://h', username: me }"),
         "f:5:40: registry.username needs registry.password"},
        {WITH_REGISTRY("{ url: 'http://h', username: me, password: p, token: t }"),
         "f:5:64: registry.token and registry.username exclude each other"},
        {WITH_REGISTRY("{ url: 'https://h', key: k }"), "f:5:36: registry.key needs registry.certificate"},
        {WITH_REGISTRY("{ dir: d, token: t }"), "f:5:28: registry.token is of no use without registry.url"},
        {WITH_REGISTRY("{ url: 'http://h', password: \"hunter2\\n\" }"),
         "f:5:40: registry.password must be a text of 1 to 4096 bytes without line ends, not (a secret)"},
        {WITH_REGISTRY("{ url: [] }"), "f:5:18: registry.url has no value"},
        {WITH_REGISTRY("{ url: ['http://h', {}] }"), "f:5:31: registry.url: each entry needs a single value"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n",
         "f: registry.url or registry.dir is missing"},
        {"pipeline: p\nkafka: { client.id: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry: { dir: d }\n",
         "f: kafka: bootstrap.servers is missing"},
        {"pipeline: p\nkafka: { bootstrap.serverz: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry: { dir: d }\n",
         "f:2:10: kafka: unknown property 'bootstrap.serverz'; did you mean 'bootstrap.servers'?"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: t }\noutput: { topic: t }\n"
         "registry: { dir: d }\n",
         "f:4:18: output.topic and input.topic are the same topic"},
        {CASE_BASE "dead_letter: { topic: in }\n",
         "f:6:23: dead_letter.topic and input.topic are the same topic"},
        {CASE_BASE "dead_letter: { parking: out }\n",
         "f:6:25: dead_letter.parking and output.topic are the same topic"},
        {CASE_BASE "dead_letter: { topic: out }\n",
         "f:6:23: dead_letter.topic and output.topic are the same topic"},
        {CASE_BASE "journal: { topic: out }\n", "f:6:19: journal.topic and output.topic are the same topic"},
        {CASE_BASE "journal: off\njournal: on\n",
         "f:7:1: duplicate key 'journal': it stands on line 6 already"},
        {CASE_BASE "journal: { topic: p-dlq }\n",
         "f:6:19: journal.topic and dead_letter.topic are the same topic"},
        {CASE_BASE "journal: yes\n", "f:6:10: journal must be on or off, not 'yes'"},
        {CASE_BASE "breaker: { ratio: 50 }\n",
         "f:6:19: breaker.ratio must be a number from 0.01 to 1, not '50'"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: t }\n"
         "output:\n  topic: o\n  partition: {}\nregistry: { dir: d }\n",
         "f:6:14: output.partition needs a word or { field: NAME }"},
    };
    case_errors(cases, COUNT(cases));
}

static void a_field_settles_the_partition(void **state)
{
    (void)state;
    struct weir_spec *spec =
        case_spec("pipeline: p\nkafka: { metadata.broker.list: b }\ninput: { topic: t }\n"
                  "output: { topic: o, partition: { field: user_id } }\n"
                  "registry: { dir: d }\n");
    assert_int_equal(spec->output.partition, WEIR_PARTITION_FIELD);
    assert_string_equal(spec->core.partition_field, "user_id");
    config_free(spec);
}

/* One URL, several in a text, or a list: the same to those who use it. */
static void takes_one_or_several_servers(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec(WITH_REGISTRY("{ url: 'http://a:8081/p' }"));
    assert_string_equal(spec->registry.url, "http://a:8081/p");
    assert_null(spec->registry.dir);
    assert_int_equal(spec->registry.timeout_ms, 10000);
    assert_int_equal(spec->registry.connect_timeout_ms, 3000);
    config_free(spec);
    spec = case_spec(WITH_REGISTRY("{ url: 'http://a, https://b', ca: c, certificate: d, key: e }"));
    assert_string_equal(spec->registry.url, "http://a, https://b");
    assert_string_equal(spec->registry.key, "e");
    config_free(spec);
    spec = case_spec(
        WITH_REGISTRY("{ url: ['http://a', 'https://b'], username: me, password: '${DB_PASSWORD}' }"));
    assert_string_equal(spec->registry.url, "http://a, https://b");
    assert_string_equal(spec->registry.username, "me");
    assert_string_equal(spec->registry.password, "hunter2");
    config_free(spec);
}

/* Both are sections, and words. */
static void switches_things_off(void **state)
{
    (void)state;
    struct weir_spec *spec = case_spec(CASE_BASE "journal: off\nbreaker: off\n");
    assert_int_equal(spec->journal.on, WEIR_OFF);
    assert_int_equal(spec->breaker.on, WEIR_OFF);
    config_free(spec);
    spec = case_spec(CASE_BASE "journal: { topic: j }\nbreaker: { ratio: 0.25, max_hold: 5m }\n");
    assert_int_equal(spec->journal.on, WEIR_ON);
    assert_string_equal(spec->journal.topic, "j");
    assert_int_equal(spec->breaker.on, WEIR_ON);
    assert_int_equal(spec->breaker.ratio, 250000);
    assert_int_equal(spec->breaker.min_records, 1000);
    assert_int_equal(spec->breaker.max_hold_ms, 300000);
    config_free(spec);
    spec = case_spec(CASE_BASE);
    assert_string_equal(spec->journal.topic, "p-journal");
    config_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_cannot_go_together),
        cmocka_unit_test(a_field_settles_the_partition),
        cmocka_unit_test(switches_things_off),
        cmocka_unit_test(takes_one_or_several_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
