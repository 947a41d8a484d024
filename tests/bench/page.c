/* The least that a window with a web view can be: one line of text, and nothing behind it. */

#include <webkit2/webkit2.h>

int main(int count, char **words) {
    gtk_init(&count, &words);
    GtkWidget *window = gtk_window_new(GTK_WINDOW_TOPLEVEL), *view = webkit_web_view_new();
    gtk_window_set_title(GTK_WINDOW(window), "page");
    gtk_window_set_default_size(GTK_WINDOW(window), 1280, 800);
    gtk_container_add(GTK_CONTAINER(window), view);
    g_signal_connect(window, "destroy", G_CALLBACK(gtk_main_quit), NULL);
    webkit_web_view_load_html(WEBKIT_WEB_VIEW(view), "<h1>The least that a window can be</h1>", NULL);
    gtk_widget_show_all(window);
    gtk_main();
    return 0;
}
