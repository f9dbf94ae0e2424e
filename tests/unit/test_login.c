#include "generate/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LOGINS 2000

static void make(struct login *login, uint64_t i)
{
    struct prng prng;
    prng_init(&prng, 1, i);
    login_make(login, &prng, 1, 100, 1694479551);
}

static void matches(const char *pattern, enum login_field field)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    for (uint64_t i = 0; i < LOGINS; i++) {
        struct login login;
        make(&login, i);
        assert_int_equal(regexec(&regex, login.text[field], 0, NULL, 0), 0);
        assert_int_equal(login.len[field], strlen(login.text[field]));
    }
    regfree(&regex);
}

static void looks_like_the_users_message(void **state)
{
    (void)state;
    matches("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", LOGIN_USER_ID);
    matches("^[0-9]+\\.[0-9]+\\.[0-9]+(-beta\\.[0-9])?$", LOGIN_APP_VERSION);
    matches("^(android|iOS|web|smart_tv)$", LOGIN_DEVICE_TYPE);
    matches("^[A-Z]{2}$", LOGIN_LOCALE);
    matches("^[0-9]{3}-[0-9]{2}-[0-9]{4}$", LOGIN_DEVICE_ID);
    matches("^1694479551$", LOGIN_TIMESTAMP);
}

static void addresses_are_addresses(void **state)
{
    (void)state;
    unsigned v6 = 0;
    for (uint64_t i = 0; i < LOGINS; i++) {
        struct login login;
        make(&login, i);
        unsigned char address[16];
        int family = strchr(login.text[LOGIN_IP], ':') ? AF_INET6 : AF_INET;
        assert_int_equal(inet_pton(family, login.text[LOGIN_IP], address), 1);
        v6 += family == AF_INET6;
    }
    assert_in_range(v6, 1, LOGINS / 4);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void users_come_back_some_more_often(void **state)
{
    (void)state;
    static char ids[LOGINS][LOGIN_TEXT_MAX];
    for (uint64_t i = 0; i < LOGINS; i++) {
        struct login login;
        make(&login, i);
        memcpy(ids[i], login.text[LOGIN_USER_ID], LOGIN_TEXT_MAX);
    }
    qsort(ids, LOGINS, LOGIN_TEXT_MAX, by_text);
    unsigned users = 0, most = 0, run = 0;
    for (size_t i = 0; i < LOGINS; i++) {
        run = i > 0 && strcmp(ids[i], ids[i - 1]) == 0 ? run + 1 : 1;
        users += run == 1;
        most = run > most ? run : most;
    }
    assert_in_range(users, 80, 100);
    assert_in_range(most, 2 * LOGINS / 100, LOGINS / 5);
}

static void a_user_stays_the_same(void **state)
{
    (void)state;
    struct login first, other;
    struct prng prng;
    prng_init(&prng, 1, 1);
    login_make(&first, &prng, 9, 1, 5);
    for (int i = 0; i < 100; i++) {
        login_make(&other, &prng, 9, 1, 6);
        assert_string_equal(first.text[LOGIN_USER_ID], other.text[LOGIN_USER_ID]);
        assert_string_equal(first.text[LOGIN_DEVICE_ID], other.text[LOGIN_DEVICE_ID]);
        assert_string_equal(first.text[LOGIN_LOCALE], other.text[LOGIN_LOCALE]);
    }
    login_make(&other, &prng, 10, 1, 6);
    assert_string_not_equal(first.text[LOGIN_USER_ID], other.text[LOGIN_USER_ID]);
}

static void set_cuts_what_is_too_long(void **state)
{
    (void)state;
    struct login login;
    login_set(&login, LOGIN_IP, "0123456789012345678901234567890123456789012345678901234567890");
    assert_int_equal(login.len[LOGIN_IP], LOGIN_TEXT_MAX - 1);
    assert_int_equal(strlen(login.text[LOGIN_IP]), LOGIN_TEXT_MAX - 1);
    login_set(&login, LOGIN_IP, "");
    assert_int_equal(login.len[LOGIN_IP], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_like_the_users_message),    cmocka_unit_test(addresses_are_addresses),
        cmocka_unit_test(users_come_back_some_more_often), cmocka_unit_test(a_user_stays_the_same),
        cmocka_unit_test(set_cuts_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
