#include "generate/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <string.h>
#include <cmocka.h>

#include "login_schema.h"

static uint8_t memory[2 * PACK_ROOM];

static void sample(struct login *login)
{
    static const char *const texts[LOGIN_FIELDS] = {"424cdd21-063a-43a7-b91b-7ca1a833afae",
                                                    "2.3.0",
                                                    "android",
                                                    "199.172.111.135",
                                                    "RU",
                                                    "593-47-5928",
                                                    "1694479551"};
    for (unsigned i = 0; i < LOGIN_FIELDS; i++)
        login_set(login, (enum login_field)i, texts[i]);
}

static struct weir_arena room(void)
{
    struct weir_arena out;
    weir_arena_init(&out, memory, sizeof memory);
    return out;
}

static void json_is_the_users_message(void **state)
{
    (void)state;
    struct login login;
    sample(&login);
    struct weir_arena out = room();
    struct weir_bytes text = pack_json(&login, &(struct pack_shape){0}, &out);
    assert_true(weir_bytes_equal(
        text,
        weir_bytes_of("{\"user_id\": \"424cdd21-063a-43a7-b91b-7ca1a833afae\", \"app_version\": \"2.3.0\", "
                      "\"device_type\": \"android\", \"ip\": \"199.172.111.135\", \"locale\": \"RU\", "
                      "\"device_id\": \"593-47-5928\", \"timestamp\": \"1694479551\"}")));
    assert_int_equal(out.used, text.len);
}

static void shape_leaves_out_bares_and_adds(void **state)
{
    (void)state;
    struct login login;
    sample(&login);
    struct weir_arena out = room();
    struct pack_shape shape = {.without = 1u << LOGIN_USER_ID | 1u << LOGIN_IP,
                               .bare = 1u << LOGIN_TIMESTAMP,
                               .bare_text = "5",
                               .extra = "\"more\": true"};
    struct weir_bytes text = pack_json(&login, &shape, &out);
    json_t *json = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_object_size(json), LOGIN_FIELDS - 2 + 1);
    assert_null(json_object_get(json, "ip"));
    assert_int_equal(json_integer_value(json_object_get(json, "timestamp")), 5);
    assert_true(json_is_true(json_object_get(json, "more")));
    json_decref(json);
}

static void all_left_out_is_an_empty_object(void **state)
{
    (void)state;
    struct login login;
    sample(&login);
    struct weir_arena out = room();
    struct pack_shape shape = {.without = (1u << LOGIN_FIELDS) - 1};
    struct weir_bytes text = pack_json(&login, &shape, &out);
    assert_true(weir_bytes_equal(text, weir_bytes_of("{}")));
}

static void avro_is_in_wire_format(void **state)
{
    (void)state;
    struct pack *pack = NULL;
    assert_int_equal(pack_open(weir_bytes_of(LOGIN_SCHEMA), 0x01020304, &pack, NULL), WEIR_OK);
    assert_int_equal(pack_without(pack), 0);
    struct login login;
    sample(&login);
    struct weir_arena out = room();
    size_t starts[LOGIN_FIELDS];
    struct weir_bytes value = pack_avro(pack, &login, &out, starts);
    static const uint8_t prefix[] = {0, 1, 2, 3, 4, 72, '4', '2', '4'};
    assert_memory_equal(value.data, prefix, sizeof prefix);
    size_t at = 5;
    for (unsigned i = 0; i < LOGIN_FIELDS; i++) {
        assert_int_equal(starts[i], at);
        assert_int_equal(value.data[at], 2 * login.len[i]);
        assert_memory_equal(value.data + at + 1, login.text[i], login.len[i]);
        at += 1 + login.len[i];
    }
    assert_int_equal(at, value.len);
    pack_close(pack);
}

static void avro_of_an_older_schema_lacks_fields(void **state)
{
    (void)state;
    struct pack *pack = NULL;
    assert_int_equal(pack_open(weir_bytes_of(LOGIN_SCHEMA_OLD), 1, &pack, NULL), WEIR_OK);
    assert_int_equal(pack_without(pack), 1u << LOGIN_LOCALE | 1u << LOGIN_DEVICE_ID);
    struct login login;
    sample(&login);
    struct weir_arena out = room();
    size_t starts[LOGIN_FIELDS] = {0};
    struct weir_bytes value = pack_avro(pack, &login, &out, starts);
    assert_int_equal(value.data[5], 0); /* region: null */
    assert_int_equal(starts[LOGIN_USER_ID], 6);
    assert_int_equal(starts[LOGIN_LOCALE], 0);
    assert_int_equal(value.data[starts[LOGIN_IP] - 1], 2); /* the branch */
    assert_int_equal(value.data[starts[LOGIN_IP]], 30);
    pack_close(pack);
}

static void a_field_of_no_login_is_refused(void **state)
{
    (void)state;
    struct pack *pack = NULL;
    struct weir_err err;
    assert_int_equal(pack_open(weir_bytes_of("{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                                             "{\"name\":\"colour\",\"type\":\"string\"}]}"),
                               1, &pack, &err),
                     WEIR_ERR_BAD_SCHEMA);
    assert_string_equal(err.text, "field 'colour' is none of a user login's");
    assert_null(pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_the_users_message),
        cmocka_unit_test(shape_leaves_out_bares_and_adds),
        cmocka_unit_test(all_left_out_is_an_empty_object),
        cmocka_unit_test(avro_is_in_wire_format),
        cmocka_unit_test(avro_of_an_older_schema_lacks_fields),
        cmocka_unit_test(a_field_of_no_login_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
