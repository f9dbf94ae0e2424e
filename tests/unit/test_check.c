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

static void refuses_what_cannot_go_together(void **state)
{
    (void)state;
    static const struct case_error cases[] = {
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry: { dir: d, url: u }\n",
         "f:5:18: registry.url and registry.dir exclude each other"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry:\n  dir: d\n  url: u\n",
         "f:7:8: registry.url and registry.dir exclude each other"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry: { url: 'http://me:hunter2@h' }\n",
         "f:5:18: registry.url is not supported by this version; use registry.dir"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: in }\noutput: { topic: out }\n",
         "f: registry.dir is missing"},
        {"pipeline: p\nkafka: { client.id: b }\ninput: { topic: in }\noutput: { topic: out }\n"
         "registry: { dir: d }\n",
         "f: kafka: bootstrap.servers is missing"},
        {"pipeline: p\nkafka: { bootstrap.servers: b }\ninput: { topic: t }\noutput: { topic: t }\n"
         "registry: { dir: d }\n",
         "f:4:18: output.topic and input.topic are the same topic"},
        {CASE_BASE "dead_letter: { topic: in }\n",
         "f:6:23: dead_letter.topic and input.topic are the same topic"},
        {CASE_BASE "dead_letter: { topic: out }\n",
         "f:6:23: dead_letter.topic and output.topic are the same topic"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_cannot_go_together),
        cmocka_unit_test(a_field_settles_the_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
