"""What FFmpeg may open for a stranger: formats that carry their media themselves, and codecs in use.

FFmpeg knows some 350 formats and 500 decoders. Playlists (HLS, DASH, concat, SDP) name other files and
addresses, which an upload must not make the server open; and each decoder that nobody needs, of games and of
cameras long gone, is one more that a broken file may crash.
"""

from __future__ import annotations

READABLE = "mp4, webm, mov, mkv or avi for video; wav, mp3, ogg, flac or m4a for sound"

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf,mxf,gif,"
    "ogg,wav,w64,mp3,aac,flac,aiff,au,caf,amr,ac3,eac3,wv"
)

# FFmpeg's names of decoders
VIDEO_CODECS = (
    "h264,hevc,libdav1d,av1,libvpx,libvpx-vp9,vp8,vp9,vp6,vp6f,theora,"
    "mpeg4,mpeg1video,mpeg2video,mpegvideo,h263,h263p,flv,msmpeg4v1,msmpeg4v2,msmpeg4,wmv1,wmv2,wmv3,vc1,"
    "mjpeg,jpeg2000,png,gif,prores,dnxhd,dvvideo,cinepak,msvideo1,svq1,svq3,rpza,qtrle,"
    "rawvideo,ffv1,ffvhuff,huffyuv,utvideo,v210"
)
AUDIO_CODECS = (
    "aac,aac_latm,libopus,opus,vorbis,mp3float,mp3,mp2float,mp2,mp1float,mp1,flac,alac,wavpack,"
    "ac3,eac3,dca,truehd,wmav1,wmav2,wmapro,wmalossless,wmavoice,"
    "amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,gsm,gsm_ms,speex,g722,g726,g726le,qdm2,nellymoser,"
    "adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,adpcm_yamaha,"
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_u16le,pcm_u16be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,pcm_s16le_planar,pcm_s16be_planar,"
    "pcm_bluray,pcm_dvd"
)
OPTIONS = {  # of FFmpeg's demuxers
    "format_whitelist": FORMATS,
    "codec_whitelist": f"{VIDEO_CODECS},{AUDIO_CODECS}",
    "protocol_whitelist": "file",
}


def may_decode(codec: str) -> bool:
    """Whether a decoder, by FFmpeg's name, is one of those above."""
    return codec in (*VIDEO_CODECS.split(","), *AUDIO_CODECS.split(","))
