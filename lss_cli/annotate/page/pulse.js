// Says that the page is open. A worker, since the timers of a hidden page are slowed down.

setInterval(() => fetch("alive").catch(() => {}), 3000);
