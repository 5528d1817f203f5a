"""Lists of media, in every language that FFmpeg and players know: each names another file or an address."""

from __future__ import annotations

# by the ending of a file; {to} is what is named, {host} and {port} are those of an address
PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{to}\n#EXT-X-ENDLIST\n",
    "m3u": "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=a,URI={to}\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{to}\n",
    "key.m3u8": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{to}"\n#EXTINF:1,\n{to}\n',
    "ffconcat": "ffconcat version 1.0\nfile '{to}'\n",
    "txt": "file '{to}'\nfile {to}\n",
    "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="a" '
    'bandwidth="1"><BaseURL>{to}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 {host}\ns=a\nc=IN IP4 {host}\nt=0 0\nm=video {port} RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "asx": '<asx version="3.0"><entry><ref href="{to}"/></entry></asx>',
    "asf": "[Reference]\nRef1={to}\nRef2={to}\n",
    "pls": "[playlist]\nFile1={to}\nLength1=1\nNumberOfEntries=1\n",
    "xspf": "<playlist><trackList><track><location>{to}</location></track></trackList></playlist>",
    "smil": '<smil><body><video src="{to}"/></body></smil>',
    "ism": '<SmoothStreamingMedia MajorVersion="2"><StreamIndex Url="{to}"/></SmoothStreamingMedia>',
    "f4m": '<manifest xmlns="http://ns.adobe.com/f4m/1.0"><media url="{to}"/></manifest>',
    "imf": "<CompositionPlaylist><ContentTitle>{to}</ContentTitle></CompositionPlaylist>",
    "avs": 'DirectShowSource("{to}")\n',
    "vpy": "open('{to}')\n",
    "ram": "{to}\n",
    "sap": "SAP/{to}\n",
    "strm": "{to}",
    "lavfi": "movie={to}[out0]",
    "ffmetadata": ";FFMETADATA1\ntitle={to}\n",
    "sub.idx": "# VobSub index file, v7\nid: en, index: 0\n# {to}\n",
}
