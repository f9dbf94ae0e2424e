#include "kafka/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/alloc_fail.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct roster of(const char *const *names, size_t n)
{
    struct roster roster = {0};
    for (size_t i = 0; i < n; i++)
        assert_true(roster_add(&roster, names[i]));
    return roster;
}

static void test_set(void **state)
{
    (void)state;
    static const char *const names[] = {"p-a-0", "p-b-0", "p-a-0", "p-c-0"};
    struct roster roster = of(names, COUNT(names));
    assert_int_equal(roster.n, 3);
    roster_remove(&roster, "p-a-0");
    roster_remove(&roster, "p-a-0");
    assert_int_equal(roster.n, 2);
    assert_false(roster_has(&roster, "p-a-0"));
    assert_true(roster_has(&roster, "p-b-0"));
    assert_true(roster_has(&roster, "p-c-0"));
    roster_clear(&roster);
    assert_int_equal(roster.n, 0);
    roster_clear(&roster);
}

/* Without memory the set is as it was. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"p-a-0", "p-b-0"};
    struct roster roster = of(names, COUNT(names));
    for (long n = 1;; n++) {
        alloc_fail_at(n);
        bool added = roster_add(&roster, "p-c-0");
        if (!alloc_fail_off()) {
            assert_true(added);
            break;
        }
        assert_false(added);
        assert_int_equal(roster.n, 2);
        assert_false(roster_has(&roster, "p-c-0"));
    }
    assert_int_equal(roster.n, 3);
    roster_clear(&roster);
}

/* A name that weir would not have given is somebody else's, and so may be a transactional id like it. */
static void test_whose_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool another;
    } names[] = {
        {"p-a-0", false},  {"p-a-12", false}, {"p-b-0", true}, {"p-a-b-0", true}, {"p-aa-0", true},
        {"p-b-12", true},  {"q-b-0", false},  {"p-b", false},  {"p-b-", false},   {"p-b-x", false},
        {"p-b-1x", false}, {"p--0", false},   {"p-0", false},  {"p", false},      {"", false},
        {"pb-0", false},   {"-", false},
    };
    for (size_t i = 0; i < COUNT(names); i++)
        if (roster_is_another(names[i].name, "p", "p-a-0") != names[i].another)
            fail_msg("%s", names[i].name);
    assert_true(roster_is_another("p-q-b-0", "p-q", "p-q-a-0"));
    assert_true(roster_is_another("p-a-0", "p", "p-a-b-0"));
}

/* All who are left agree, whatever the order in which they were told, and share the work. */
static void test_heir(void **state)
{
    (void)state;
    enum { MEMBERS = 20 };
    char names[MEMBERS][16];
    unsigned shares[MEMBERS] = {0};
    struct roster before = {0}, now = {0}, turned = {0};
    for (int i = 0; i < MEMBERS; i++) {
        (void)snprintf(names[i], sizeof names[i], "p-i%d-0", i);
        assert_true(roster_add(&before, names[i]));
    }
    for (int i = 0; i < MEMBERS / 2; i++) {
        assert_true(roster_add(&now, names[i]));
        assert_true(roster_add(&turned, names[MEMBERS / 2 - 1 - i]));
    }
    assert_true(roster_add(&now, "p-new-0"));
    for (int i = MEMBERS / 2; i < MEMBERS; i++) {
        const char *heir = roster_heir(&before, &now, "p", names[i]);
        assert_non_null(heir);
        assert_string_equal(heir, roster_heir(&before, &turned, "p", names[i]));
        assert_true(roster_has(&before, heir) && roster_has(&now, heir));
        shares[strtol(heir + strlen("p-i"), NULL, 10)]++;
    }
    for (int i = 0; i < MEMBERS; i++)
        assert_true(shares[i] < MEMBERS / 2);
    /* Those cannot, or would not, though they were there. */
    static const char *const others[] = {"p-i10-1", "someone", "q-i1-0"};
    struct roster strangers = of(others, COUNT(others));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_true(roster_add(&before, others[i]));
    assert_true(roster_add(&strangers, "p-new-0"));
    assert_null(roster_heir(&before, &strangers, "p", "p-i10-0"));
    assert_string_equal(roster_heir(&before, &strangers, "p", "p-i11-0"), "p-i10-1");
    roster_remove(&strangers, "p-i10-1");
    assert_null(roster_heir(&before, &strangers, "p", names[0]));
    roster_clear(&before);
    roster_clear(&now);
    roster_clear(&turned);
    roster_clear(&strangers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_whose_name),
        cmocka_unit_test(test_heir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
