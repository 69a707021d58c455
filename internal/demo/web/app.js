// The simulated wallet's app: its backend signs a token for the customer, and the inbox
// draws what is due for them.
"use strict";
const ref = location.pathname.split("/").pop();
const inbox = document.querySelector("huiyin-inbox");
const lang = new URLSearchParams(location.search).get("lang");
if (lang) inbox.setAttribute("lang", lang);
inbox.tokenSource = async () => (await fetch("/demo/app/" + ref + "/token")).text();
