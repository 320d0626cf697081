// Tells the server the reader's time zone, so that it writes times (and the axes of charts) in it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && document.documentElement.dataset.zone !== zone) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `zone=${encodeURIComponent(zone)}; Path=/; Max-Age=34560000; SameSite=Lax${secure}`;
}
