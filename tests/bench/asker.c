/* Asks a server on a Unix socket again and again, as a program asks the agent for a token, and prints how long each answer
 * took, in nanoseconds, one on a line.
 *
 * asker SOCKET ACCOUNT COUNT keep    asks on one connection that stays open
 * asker SOCKET ACCOUNT COUNT visit   connects, says hello, asks and hangs up, each time
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* What isn't counted: until caches and the scheduler are used to it. */
enum { WARM_UP = 200, LINE = 64 * 1024 };

static const char HELLO[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"session.open\",\"params\":{\"protocol\":{\"min\":1,\"max\":1},"
                            "\"client\":{\"name\":\"asker\",\"version\":\"1\"}}}\n";

static char line[LINE];
static char request[1024];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* Sends a line and waits for the one that answers it. */
static void ask(int connection, const char *text, size_t length) {
    if (write(connection, text, length) != (ssize_t)length)
        fail("write");
    size_t filled = 0;
    do {
        ssize_t read_now = read(connection, line + filled, LINE - 1 - filled);
        if (read_now <= 0)
            fail("read");
        filled += (size_t)read_now;
    } while (line[filled - 1] != '\n');
    line[filled] = 0;
}

static int reach(const struct sockaddr_un *address) {
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (const struct sockaddr *)address, sizeof *address) != 0)
        fail("connect");
    return connection;
}

/* Says hello; gives the length of the request, which carries the nonce of the answer. */
static size_t open_session(int connection, const char *account) {
    static const char KEY[] = "\"session\":\"";
    ask(connection, HELLO, sizeof HELLO - 1);
    const char *session = strstr(line, KEY);
    if (!session)
        fail(line);
    session += sizeof KEY - 1;
    int length = snprintf(request, sizeof request,
                          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"token.get\",\"params\":{\"profile\":\"%s\"},\"session\":\"%.*s\"}\n",
                          account, (int)strcspn(session, "\""), session);
    return (size_t)length;
}

static void get_token(int connection, size_t length) {
    ask(connection, request, length);
    if (!strstr(line, "\"access_token\":"))
        fail(line);
}

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

int main(int count, char **words) {
    if (count != 5)
        return 64;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
    const char *account = words[2];
    long wanted = atol(words[3]);
    int keeps = strcmp(words[4], "keep") == 0;
    long *took = calloc((size_t)wanted, sizeof *took);
    int connection = keeps ? reach(&address) : -1;
    size_t length = keeps ? open_session(connection, account) : 0;
    for (long call = -WARM_UP; call < wanted; call++) {
        long began = now();
        if (!keeps) {
            connection = reach(&address);
            length = open_session(connection, account);
        }
        get_token(connection, length);
        if (!keeps)
            close(connection);
        if (call >= 0)
            took[call] = now() - began;
    }
    for (long call = 0; call < wanted; call++)
        printf("%ld\n", took[call]);
    return 0;
}
