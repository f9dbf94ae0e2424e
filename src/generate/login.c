#include "generate/login.h"

#include <assert.h>
#include <string.h>

/* Set apart from the streams of records, which are numbered from 0 under the seed itself. */
#define USER_SALT UINT64_C(0x75736572)

/* One login in so many comes from elsewhere than the user's home address. */
#define ROAMING 5

/* One home address in so many is an IPv6 one. */
#define IPV6_HOMES 12

struct weighted {
    const char *text;
    uint32_t weight;
};

static const struct weighted app_versions[] = {
    {"2.3.0", 46}, {"2.2.1", 21}, {"2.2.0", 9}, {"2.1.4", 8}, {"2.0.0", 6}, {"1.9.8", 5}, {"3.0.0-beta.1", 5},
};

static const struct weighted device_types[] = {
    {"android", 52},
    {"iOS", 37},
    {"web", 8},
    {"smart_tv", 3},
};

static const struct weighted locales[] = {
    {"US", 22}, {"IN", 14}, {"BR", 9}, {"RU", 8}, {"DE", 7}, {"GB", 7}, {"FR", 6}, {"JP", 6},
    {"MX", 4},  {"ES", 4},  {"IT", 4}, {"PL", 3}, {"NG", 3}, {"CA", 2}, {"NO", 1},
};

#define PICK(prng, table) pick((prng), (table), sizeof(table) / sizeof((table)[0]))

static const char *pick(struct prng *prng, const struct weighted *table, size_t n)
{
    uint32_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += table[i].weight;
    uint32_t left = prng_below(prng, total);
    size_t i = 0;
    while (left >= table[i].weight)
        left -= table[i++].weight;
    return table[i].text;
}

const char *login_field_name(enum login_field field)
{
    static const char *const names[LOGIN_FIELDS] = {"user_id", "app_version", "device_type", "ip",
                                                    "locale",  "device_id",   "timestamp"};
    return names[field];
}

void login_set(struct login *login, enum login_field field, const char *text)
{
    size_t len = strnlen(text, LOGIN_TEXT_MAX - 1);
    memcpy(login->text[field], text, len);
    login->text[field][len] = '\0';
    login->len[field] = len;
}

/* n hexadecimal digits, taken from the low end of bits. */
static char *put_hex(char *p, uint64_t bits, unsigned n)
{
    for (unsigned i = n; i > 0; i--)
        *p++ = "0123456789abcdef"[(bits >> (4 * (i - 1))) & 15];
    return p;
}

/* A decimal number with at least min digits. */
static char *put_decimal(char *p, uint64_t number, unsigned min)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || n < min);
    while (n > 0)
        *p++ = digits[--n];
    return p;
}

static void finish(struct login *login, enum login_field field, char *end)
{
    *end = '\0';
    login->len[field] = (size_t)(end - login->text[field]);
    assert(login->len[field] < LOGIN_TEXT_MAX);
}

/* A random UUID: version 4, variant 10 (RFC 9562). */
static void make_user_id(struct login *login, struct prng *prng)
{
    uint64_t high = prng_next(prng), low = prng_next(prng);
    char *p = login->text[LOGIN_USER_ID];
    p = put_hex(p, high >> 32, 8);
    *p++ = '-';
    p = put_hex(p, high >> 16, 4);
    *p++ = '-';
    p = put_hex(p, (high & 0x0fff) | 0x4000, 4);
    *p++ = '-';
    p = put_hex(p, ((low >> 48) & 0x3fff) | 0x8000, 4);
    *p++ = '-';
    p = put_hex(p, low, 12);
    finish(login, LOGIN_USER_ID, p);
}

/* Three digits, two, four: as in 593-47-5928. */
static void make_device_id(struct login *login, struct prng *prng)
{
    char *p = login->text[LOGIN_DEVICE_ID];
    p = put_decimal(p, prng_below(prng, 1000), 3);
    *p++ = '-';
    p = put_decimal(p, prng_below(prng, 100), 2);
    *p++ = '-';
    p = put_decimal(p, prng_below(prng, 10000), 4);
    finish(login, LOGIN_DEVICE_ID, p);
}

static void make_ipv4(struct login *login, struct prng *prng)
{
    char *p = login->text[LOGIN_IP];
    p = put_decimal(p, 1 + prng_below(prng, 223), 1);
    for (int i = 0; i < 3; i++) {
        *p++ = '.';
        p = put_decimal(p, prng_below(prng, 256), 1);
    }
    finish(login, LOGIN_IP, p);
}

/* In the range for documentation (RFC 3849), written in full, which needs no rule about where :: may stand.
 */
static void make_ipv6(struct login *login, struct prng *prng)
{
    char *p = login->text[LOGIN_IP];
    uint64_t high = UINT64_C(0x20010db800000000) | prng_below(prng, UINT32_MAX), low = prng_next(prng);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t half = i < 4 ? high : low;
        if (i > 0)
            *p++ = ':';
        p = put_hex(p, half >> (48 - 16 * (i % 4)), 4);
    }
    finish(login, LOGIN_IP, p);
}

static void make_user(struct login *login, struct prng *user)
{
    make_user_id(login, user);
    login_set(login, LOGIN_APP_VERSION, PICK(user, app_versions));
    login_set(login, LOGIN_DEVICE_TYPE, PICK(user, device_types));
    login_set(login, LOGIN_LOCALE, PICK(user, locales));
    make_device_id(login, user);
    if (prng_below(user, IPV6_HOMES) == 0)
        make_ipv6(login, user);
    else
        make_ipv4(login, user);
}

void login_make(struct login *login, struct prng *prng, uint64_t seed, uint32_t n_users, int64_t epoch_s)
{
    assert(n_users > 0 && n_users <= LOGIN_USERS_MAX && epoch_s >= 0);
    /* Drawn twice, low numbers come more often: some users log in all day. */
    uint32_t number = prng_below(prng, 1 + prng_below(prng, n_users));
    struct prng user;
    prng_init(&user, seed ^ USER_SALT, number);
    make_user(login, &user);
    if (prng_below(prng, ROAMING) == 0)
        make_ipv4(login, prng);
    char *p = put_decimal(login->text[LOGIN_TIMESTAMP], (uint64_t)epoch_s, 1);
    finish(login, LOGIN_TIMESTAMP, p);
}
