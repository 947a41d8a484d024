/* The least that a server on a Unix socket can do: it answers the first line of each connection with the first line of its
 * standard input, and every other line with the second one. It looks at nothing.
 *
 * floor SOCKET
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE = 64 * 1024 };

static char hello[LINE], answer[LINE], line[LINE];

/* One line, whatever it says; none at the end. */
static int take(int connection) {
    ssize_t length;
    do {
        length = read(connection, line, sizeof line);
        if (length <= 0)
            return 0;
    } while (line[length - 1] != '\n');
    return 1;
}

static int give(int connection, const char *text) {
    size_t length = strlen(text);
    return write(connection, text, length) == (ssize_t)length;
}

int main(int count, char **words) {
    if (count != 2 || !fgets(hello, sizeof hello, stdin) || !fgets(answer, sizeof answer, stdin))
        return 64;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
    int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door < 0 || bind(door, (const struct sockaddr *)&address, sizeof address) != 0 || listen(door, 128) != 0)
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        int connection = accept4(door, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
            return 1;
        const char *reply = hello;
        while (take(connection) && give(connection, reply))
            reply = answer;
        close(connection);
    }
}
