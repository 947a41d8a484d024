import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  // The page is served from the application, not from a server's root.
  base: "./",
  build: {
    // The polyfill is an inline script, and the content security policy allows none.
    modulePreload: { polyfill: false },
  },
  server: {
    port: 5173,
    // The window looks for exactly this port.
    strictPort: true,
    fs: { allow: [".", "../icons"] },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    // Read as text by the test of contrast; the others need no styles.
    css: { include: [/theme\.css/] },
  },
});
