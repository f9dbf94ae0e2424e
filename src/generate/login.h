/* One user login, made up from a stream of random numbers: what the users' own programs send. Pure. */
#ifndef WEIR_GENERATE_LOGIN_H
#define WEIR_GENERATE_LOGIN_H

#include <stddef.h>
#include <stdint.h>

#include "generate/prng.h"

/* The fields, in the order in which the users' programs write them. */
enum login_field {
    LOGIN_USER_ID,
    LOGIN_APP_VERSION,
    LOGIN_DEVICE_TYPE,
    LOGIN_IP,
    LOGIN_LOCALE,
    LOGIN_DEVICE_ID,
    LOGIN_TIMESTAMP,
    LOGIN_FIELDS
};

/* Longest text of a field, its NUL included: an IPv6 address has 40. */
#define LOGIN_TEXT_MAX 48

/* How many users there may be. */
#define LOGIN_USERS_MAX UINT32_C(1000000000)

struct login {
    char text[LOGIN_FIELDS][LOGIN_TEXT_MAX]; /* NUL-terminated */
    size_t len[LOGIN_FIELDS];                /* without the NUL */
};

/* "user_id" and so on: the field's name in JSON and in the schema. */
const char *login_field_name(enum login_field field);

/*
 * Makes the login that the stream gives. Who logs in is one of n_users (1 .. LOGIN_USERS_MAX), some far more
 * often than others; a user's id, device, app version, locale and home address follow from seed and the
 * user's number alone, so that a user is the same in every record. epoch_s becomes the timestamp.
 */
void login_make(struct login *login, struct prng *prng, uint64_t seed, uint32_t n_users, int64_t epoch_s);

/* Replaces the text of a field; it is cut to what a field holds. */
void login_set(struct login *login, enum login_field field, const char *text);

#endif
