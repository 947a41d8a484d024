/* Starts a program with a window, and prints after how many nanoseconds the screen showed letters. With the end of a line on
 * its input it closes the window as its frame would, and prints when it is gone; at the end of its input it ends the program.
 *
 * painted PROGRAM ARGUMENT...
 */

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Every so many points the screen is looked at, down and across. */
    STEP = 2,
    /* A ground, a frame and boxes have fewer colours; the edges of letters have many shades. */
    COLOURS = 24,
    PAUSE_US = 5000,
};

extern char **environ;

static int ignore(Display *screen, XErrorEvent *error) {
    /* A window may go while it is looked at. */
    (void)screen, (void)error;
    return 0;
}

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int shows_letters(Display *screen) {
    int width = DisplayWidth(screen, 0), height = DisplayHeight(screen, 0), count = 0;
    XImage *image = XGetImage(screen, DefaultRootWindow(screen), 0, 0, (unsigned)width, (unsigned)height, AllPlanes, ZPixmap);
    unsigned long seen[COLOURS];
    if (image == NULL)
        return 0;
    for (int y = 0; y < height && count < COLOURS; y += STEP)
        for (int x = 0; x < width && count < COLOURS; x += STEP) {
            unsigned long colour = XGetPixel(image, x, y);
            int at = 0;
            while (at < count && seen[at] != colour)
                at++;
            if (at == count)
                seen[count++] = colour;
        }
    XDestroyImage(image);
    return count == COLOURS;
}

/* The window with a title that is shown, or none. */
static Window titled(Display *screen) {
    Window root, parent, *windows, found = None;
    unsigned count;
    if (!XQueryTree(screen, DefaultRootWindow(screen), &root, &parent, &windows, &count))
        return None;
    for (unsigned at = 0; at < count; at++) {
        XWindowAttributes attributes;
        char *title = NULL;
        if (XGetWindowAttributes(screen, windows[at], &attributes) && attributes.map_state == IsViewable &&
            XFetchName(screen, windows[at], &title) && title != NULL)
            found = windows[at];
        if (title != NULL)
            XFree(title);
    }
    if (windows != NULL)
        XFree(windows);
    return found;
}

static void close_window(Display *screen) {
    Window window = titled(screen);
    XEvent request;
    memset(&request, 0, sizeof request);
    request.xclient.type = ClientMessage;
    request.xclient.window = window;
    request.xclient.message_type = XInternAtom(screen, "WM_PROTOCOLS", False);
    request.xclient.format = 32;
    request.xclient.data.l[0] = (long)XInternAtom(screen, "WM_DELETE_WINDOW", False);
    XSendEvent(screen, window, False, NoEventMask, &request);
    XSync(screen, False);
    while (titled(screen) != None)
        usleep(PAUSE_US);
}

int main(int count, char **words) {
    Display *screen = XOpenDisplay(NULL);
    pid_t child;
    if (count < 2 || screen == NULL)
        return 64;
    XSetErrorHandler(ignore);
    long began = now();
    if (posix_spawn(&child, words[1], NULL, NULL, words + 1, environ) != 0)
        return 1;
    while (!shows_letters(screen)) {
        if (waitpid(child, NULL, WNOHANG) == child)
            return 1;
        usleep(PAUSE_US);
    }
    printf("%ld %d\n", now() - began, child);
    fflush(stdout);
    while (getchar() != EOF) {
        close_window(screen);
        puts("closed");
        fflush(stdout);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
