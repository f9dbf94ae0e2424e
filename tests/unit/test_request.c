#include "generate/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define WORDS_MAX 100
#define LINE_MAX  4096

/* Parses a line, its words apart by one space; what was parsed borrows from this. */
static char line[LINE_MAX];

static enum weir_err_code parse(const char *text, struct request *request, struct weir_err *err)
{
    char *argv[WORDS_MAX], *rest = NULL;
    int argc = 0;
    assert_true(strlen(text) < sizeof line);
    strcpy(line, text);
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < WORDS_MAX);
        argv[argc++] = word;
    }
    return request_parse(argc, argv, request, err);
}

static struct request parsed(const char *text)
{
    struct request request;
    struct weir_err err = {.text = ""};
    if (parse(text, &request, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    return request;
}

static void little_is_enough(void **state)
{
    (void)state;
    struct request request = parsed("generate --bootstrap-server a:1 --topic t");
    assert_string_equal(request.bootstrap, "a:1");
    assert_string_equal(request.topic, "t");
    assert_string_equal(request.schemas, "schemas");
    assert_string_equal(request.subject, "user-login-value");
    assert_int_equal(request.rate, REQUEST_RATE_DEFAULT);
    assert_true(request.count == REQUEST_UNBOUNDED && request.duration_ms == REQUEST_UNBOUNDED);
    assert_int_equal(request.partition, -1);
    assert_int_equal(request.mix.seed, 1);
    assert_int_equal(request.mix.form, MIX_BOTH);
    assert_int_equal(request.mix.users, 10000);
    assert_int_equal(request.mix.start_s, 1694479551);
    assert_true(request.mix.keyed);
    assert_false(request.mix.expect || request.mix.now || request.json || request.to_stdout || request.help);
}

static void everything_can_be_said(void **state)
{
    (void)state;
    struct request request = parsed(
        "generate --bootstrap-server=a:1 --topic t --partition 3 -X linger.ms=5 -X acks=all=x --count 7 "
        "--duration 2m --rate 0 --seed 18446744073709551615 --format=avro --schemas d --subject s "
        "--malformed 0.2 --missing .1 --tombstones 0 --unknown-ids 0.25 --headers 1 --no-keys --users 5 "
        "--start-time 0 --now --expect --drop-locale RU --json");
    assert_int_equal(request.partition, 3);
    assert_int_equal(request.n_properties, 2);
    assert_string_equal(request.properties[0].name, "linger.ms");
    assert_string_equal(request.properties[0].value, "5");
    assert_string_equal(request.properties[1].value, "all=x");
    assert_true(request.count == 7 && request.duration_ms == 120000 && request.rate == 0);
    assert_true(request.mix.seed == UINT64_MAX);
    assert_int_equal(request.mix.form, MIX_AVRO);
    assert_true(request.mix.malformed == 0.2 && request.mix.missing == 0.1 && request.mix.headers == 1);
    assert_true(request.mix.unknown_ids == 0.25);
    assert_false(request.mix.keyed);
    assert_int_equal(request.mix.users, 5);
    assert_int_equal(request.mix.start_s, 0);
    assert_string_equal(request.mix.drop_locale, "RU");
    assert_true(request.mix.now && request.mix.expect && request.json);
}

static void a_count_alone_goes_flat_out(void **state)
{
    (void)state;
    assert_int_equal(parsed("generate --stdout --count 5").rate, 0);
    assert_int_equal(parsed("generate --stdout --count 5 --rate 9").rate, 9);
    assert_int_equal(parsed("generate --stdout --duration 5s").rate, REQUEST_RATE_DEFAULT);
}

static void times_have_units(void **state)
{
    (void)state;
    assert_int_equal(parsed("generate --stdout --duration 250ms").duration_ms, 250);
    assert_int_equal(parsed("generate --stdout --duration 30s").duration_ms, 30000);
    assert_int_equal(parsed("generate --stdout --duration 2h").duration_ms, 7200000);
}

static void help_comes_first(void **state)
{
    (void)state;
    assert_true(parsed("generate --help").help);
    assert_true(parsed("generate -h --nonsense").help);
    assert_true(parsed("generate --rate 5 --help").help);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"generate", "--topic is missing"},
        {"generate --topic t", "--bootstrap-server is missing"},
        {"generate --stdout --topic t", "--topic means nothing with --stdout"},
        {"generate --keys --stdout", "--keys means nothing with --stdout"},
        {"generate --stdout --count 5 -X a=b", "-X means nothing with --stdout"},
        {"generate --partition=1 --stdout", "--partition means nothing with --stdout"},
        {"generate --stdout --rat 5", "unknown option '--rat'; did you mean '--rate'?"},
        {"generate --stdout --frobnicate", "unknown option '--frobnicate'"},
        {"generate --stdout extra", "'extra' is not an option"},
        {"generate --stdout --rate", "--rate needs a value: N"},
        {"generate --stdout --rate=", "--rate: '' is not a whole number"},
        {"generate --stdout --rate 5k", "'5k' is not a whole number from 0 to 1000000000"},
        {"generate --stdout --rate -5", "'-5' is not a whole number"},
        {"generate --stdout --rate 1000000001", "is not a whole number"},
        {"generate --stdout --seed 18446744073709551616", "is not a whole number"},
        {"generate --stdout --users 0", "from 1 to 1000000000"},
        {"generate --stdout --partition 2147483648", "is not a whole number"},
        {"generate --stdout --malformed 1.01", "--malformed: '1.01' is not a share"},
        {"generate --stdout --malformed -0.1", "is not a share"},
        {"generate --stdout --malformed nan", "is not a share"},
        {"generate --stdout --malformed 0x1", "is not a share"},
        {"generate --stdout --malformed 1e-1", "is not a share"},
        {"generate --stdout --malformed 0.1.2", "is not a share"},
        {"generate --stdout --malformed .", "is not a share"},
        {"generate --stdout --malformed 0.9 --missing 0.2", "more than 1 together"},
        {"generate --stdout --duration 30", "is not a time such as"},
        {"generate --stdout --duration s", "is not a time such as"},
        {"generate --stdout --duration 9999999999999999999h", "is not a time such as"},
        {"generate --stdout --format xml", "'xml' is not avro, json or mixed"},
        {"generate --stdout --format json --unknown-ids 0.1", "no schema id"},
        {"generate --stdout --keys=yes", "--keys takes no value"},
        {"generate --stdout -X linger.ms", "'linger.ms' is not NAME=VALUE"},
        {"generate --stdout -X =5", "is not NAME=VALUE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request request;
        struct weir_err err = {.text = ""};
        assert_int_equal(parse(cases[i].text, &request, &err), WEIR_ERR_USAGE);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: '%s' does not say '%s'", cases[i].text, err.text, cases[i].says);
    }
}

static void brokers_may_come_as_a_property(void **state)
{
    (void)state;
    assert_null(parsed("generate --topic t -X bootstrap.servers=a:1").bootstrap);
}

static void properties_are_bounded(void **state)
{
    (void)state;
    char text[LINE_MAX] = "generate --bootstrap-server a --topic t", *p = text + strlen(text);
    for (int i = 0; i < REQUEST_PROPERTIES_MAX / 2; i++)
        p = stpcpy(p, " -X=a=b");
    struct request request;
    struct weir_err err;
    assert_int_equal(parse(text, &request, &err), WEIR_OK);
    assert_int_equal(request.n_properties, REQUEST_PROPERTIES_MAX / 2);
    for (int i = 0; i <= REQUEST_PROPERTIES_MAX / 2; i++)
        p = stpcpy(p, " -X=a=b");
    assert_int_equal(parse(text, &request, &err), WEIR_ERR_USAGE);
}

static void every_option_explains_itself(void **state)
{
    (void)state;
    size_t n;
    const struct request_option *options = request_options(&n);
    for (size_t i = 0; i < n; i++) {
        bool flag = options[i].kind == REQUEST_ON || options[i].kind == REQUEST_OFF;
        assert_true(strlen(options[i].help) > 5);
        assert_true(flag == (options[i].argument == NULL));
        assert_true(options[i].kind != REQUEST_NUMBER || options[i].min < options[i].max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(everything_can_be_said),
        cmocka_unit_test(a_count_alone_goes_flat_out),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(help_comes_first),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(brokers_may_come_as_a_property),
        cmocka_unit_test(properties_are_bounded),
        cmocka_unit_test(every_option_explains_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
