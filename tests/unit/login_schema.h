/* Schemas of a user login, for tests that must not depend on the shipped ones. */
#ifndef WEIR_TESTS_LOGIN_SCHEMA_H
#define WEIR_TESTS_LOGIN_SCHEMA_H

#define LOGIN_TEXT_FIELD(name) "{\"name\": \"" name "\", \"type\": \"string\", \"default\": \"unknown\"}"

#define LOGIN_SCHEMA                                                                                                                                       \
    "{\"type\": \"record\", \"name\": \"user_login\", \"fields\": [" LOGIN_TEXT_FIELD("user_id") "," LOGIN_TEXT_FIELD("app_version") "," LOGIN_TEXT_FIELD( \
        "device_type") "," LOGIN_TEXT_FIELD("ip") "," LOGIN_TEXT_FIELD("locale") "," LOGIN_TEXT_FIELD("devi"                                               \
                                                                                                      "ce_"                                                \
                                                                                                      "id") "," LOGIN_TEXT_FIELD("timestamp") "]}"

/* Without locale and device_id, and with a field of its own that can be null. */
#define LOGIN_SCHEMA_OLD                                                                                         \
    "{\"type\": \"record\", \"name\": \"user_login\", \"fields\": ["                                             \
    "{\"name\": \"region\", \"type\": [\"null\", \"int\"], \"default\": null}," LOGIN_TEXT_FIELD(                \
        "user_id") "," LOGIN_TEXT_FIELD("app_version") "," LOGIN_TEXT_FIELD("device_type") ","                   \
                                                                                           "{\"name\": "         \
                                                                                           "\"ip\", "            \
                                                                                           "\"type\": "          \
                                                                                           "[\"null\", "         \
                                                                                           "\"string\"], "       \
                                                                                           "\"default\": "       \
                                                                                           "null}"               \
                                                                                           "," LOGIN_TEXT_FIELD( \
                                                                                               "timestamp") "]}"

#endif
