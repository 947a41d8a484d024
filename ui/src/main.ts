import { mount } from "svelte";
import App from "./App.svelte";
import { tauriBackend } from "./backend";
import { language } from "./texts/texts.svelte";
import "./theme.css";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");

document.documentElement.lang = language.locale;
mount(App, { target, props: { backend: tauriBackend } });
