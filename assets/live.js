// Camera and microphone of the Live tab. What they give goes to the server with the next click of the ticker,
// and nowhere else; times are seconds since `begin`.
window.fuseboxLive = {
  PERIOD: 1000, // ms from one click to the next
  FRAME: 250, // ms between frames
  SIDE: 320, // pixels of a frame's longer side, as many as the search for faces looks at
  MOST: 10, // s of sound that wait for a slow server; older sound is dropped
  RATE: 16000, // Hz, where the browser can resample

  // Everything that was opened: {streams, camera, microphone, context, timer, began, …}; null when it is not live.
  open: null,

  now: (open) => (performance.now() - open.began) / 1000,

  // JSON of what the browser gives: both, one of them, or the name of the error.
  begin: async () => {
    const live = window.fuseboxLive;
    live.release();
    const given = { camera: false, microphone: false, error: "" };
    if (!navigator.mediaDevices?.getUserMedia) return JSON.stringify({ ...given, error: "insecure" });
    const open = { streams: [], sounds: [], frames: [], rate: live.RATE, sent: 0, first: null, counted: 0 };
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
    // as it is, since the tone is what counts
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    for (const wanted of [{ video, audio }, { audio }, { video }]) {
      try {
        open.streams.push(await navigator.mediaDevices.getUserMedia(wanted));
        given.camera ||= "video" in wanted;
        given.microphone ||= "audio" in wanted;
        break;
      } catch (error) {
        given.error ||= error.name;
      }
    }
    if (!open.streams.length) return JSON.stringify(given);
    open.began = performance.now();
    live.open = open;
    try {
      if (given.camera) await live.watch(open);
      if (given.microphone) await live.listen(open);
    } catch (error) {
      live.release();
      return JSON.stringify({ camera: false, microphone: false, error: error.name });
    }
    // unplugged, or no longer allowed
    for (const track of open.streams[0].getTracks())
      track.onended = () => open.streams[0].active || document.querySelector("#live-stop").click();
    return JSON.stringify(given);
  },

  watch: async (open) => {
    const video = document.querySelector("#live-preview video");
    video.srcObject = open.streams[0];
    video.hidden = false;
    await video.play();
    const canvas = document.createElement("canvas");
    open.timer = setInterval(() => {
      const scale = window.fuseboxLive.SIDE / Math.max(video.videoWidth, video.videoHeight);
      if (!Number.isFinite(scale)) return;
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
      const picture = canvas.toDataURL("image/jpeg", 0.85).split(",")[1];
      open.frames.push([window.fuseboxLive.now(open), picture]);
      open.frames.splice(0, open.frames.length - 50);
    }, window.fuseboxLive.FRAME);
  },

  listen: async (open) => {
    const live = window.fuseboxLive;
    const source = (context) => context.createMediaStreamSource(open.streams[0]);
    let from;
    try {
      open.context = new AudioContext({ sampleRate: live.RATE });
      from = source(open.context);
    } catch {
      open.context = new AudioContext(); // Firefox does not resample a microphone: the server does
      from = source(open.context);
    }
    open.rate = open.context.sampleRate;
    const code = `registerProcessor("take", class extends AudioWorkletProcessor {
      process([[sound]]) { if (sound) this.port.postMessage(sound.slice()); return true; }
    });`;
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    await open.context.audioWorklet.addModule(address);
    URL.revokeObjectURL(address);
    const taker = new AudioWorkletNode(open.context, "take", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    taker.port.onmessage = ({ data }) => {
      // Samples are counted; after a stop of the device the clock tells where they go on.
      const start = live.now(open) - data.length / open.rate;
      if (open.first === null || Math.abs(start - (open.first + open.counted / open.rate)) > 0.5) {
        open.sounds = [];
        open.first = start;
        open.counted = 0;
      }
      open.sounds.push(data);
      open.counted += data.length;
      while (open.sounds.length * data.length > live.MOST * open.rate) open.sounds.shift();
    };
    from.connect(taker);
    await open.context.resume();
  },

  // All since the last time, as JSON.
  take: () => {
    const { open, now } = window.fuseboxLive;
    if (!open) return "";
    const length = open.sounds.reduce((sum, sound) => sum + sound.length, 0);
    const samples = new Int16Array(length);
    let place = 0;
    for (const sound of open.sounds)
      for (const value of sound) samples[place++] = Math.max(-1, Math.min(1, value)) * 32767;
    const bytes = new Uint8Array(samples.buffer);
    let binary = "";
    for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
    const start = (open.first ?? 0) + (open.counted - length) / open.rate;
    const block = { at: now(open), start, rate: open.rate, sound: btoa(binary), frames: open.frames };
    open.sounds = [];
    open.frames = [];
    open.sent = performance.now();
    return JSON.stringify(block);
  },

  // An answer has come: the next second is sent when it is full, or at once where the answer took longer.
  goOn: (going) => {
    const { open, release, PERIOD } = window.fuseboxLive;
    if (going !== "on") return release();
    if (!open) return;
    const wait = Math.max(0, (open.sent || performance.now()) + PERIOD - performance.now());
    open.next = setTimeout(() => document.querySelector("#live-ticker").click(), wait);
  },

  release: () => {
    const { open } = window.fuseboxLive;
    if (!open) return;
    window.fuseboxLive.open = null;
    clearInterval(open.timer);
    clearTimeout(open.next);
    for (const stream of open.streams) for (const track of stream.getTracks()) track.stop();
    open.context?.close();
    const video = document.querySelector("#live-preview video");
    if (video) {
      video.srcObject = null;
      video.hidden = true;
    }
  },
};
