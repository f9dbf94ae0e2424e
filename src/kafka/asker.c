#include "kafka/asker.h"

#include "kafka/admin.h"

enum weir_err_code asker_client(struct asker *asker, rd_kafka_t **out, struct weir_err *err)
{
    enum weir_err_code code = asker->client ? WEIR_OK : admin_open(asker->spec, &asker->client, err);
    if (code == WEIR_OK)
        *out = asker->client;
    return code;
}

void asker_drop(struct asker *asker)
{
    if (asker->client)
        admin_close(asker->client);
    asker->client = NULL;
}
