/* The commands. Each gets its own arguments, argv[0] being its name, and returns the process' exit status. */
#ifndef WEIR_CMD_CMD_H
#define WEIR_CMD_CMD_H

int cmd_run(int argc, char **argv);
int cmd_try(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_dlq(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_schema(int argc, char **argv);
int cmd_audit(int argc, char **argv);

#endif
