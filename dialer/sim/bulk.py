"""The headers of an event that no daemon reads: SDP, codecs, SIP and RTP particulars.

They make four fifths of a real event's bytes, and whoever measures how fast events are read
must read them too. Ready-made JSON by stage of the channel's life; the values are those of the
samples and say nothing about the call.
"""

from __future__ import annotations

import orjson

_SDP_OURS = (
    "v=0\r\no=FreeSWITCH 1795473619 1795473620 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\n"
    "c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 22910 RTP/AVP 8 101 13\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=rtpmap:13 CN/8000\r\na=ptime:20\r\na=sendrecv\r\n"
)
_SDP_THEIRS = (
    "v=0\r\no=carrier 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
    "t=0 0\r\nm=audio 16000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=ptime:20\r\n"
)

_CREATED = {
    "variable_sip_invite_domain": "127.0.0.1",
    "variable_sip_local_network_addr": "127.0.0.1",
    "variable_sip_profile_name": "gateway",
    "variable_video_media_flow": "disabled",
    "variable_text_media_flow": "disabled",
    "variable_originate_early_media": "false",
    "variable_originate_endpoint": "sofia",
    "variable_rtp_use_codec_string": "PCMA",
    "variable_local_media_ip": "127.0.0.1",
    "variable_local_media_port": "22910",
    "variable_advertised_media_ip": "127.0.0.1",
    "variable_audio_media_flow": "sendrecv",
    "variable_rtp_local_sdp_str": _SDP_OURS,
    "variable_sip_outgoing_contact_uri": "<sip:dialer@127.0.0.1:5062;transport=udp>",
    "variable_sip_to_host": "127.0.0.1:5080",
    "variable_sip_from_host": "127.0.0.1",
    "variable_sofia_profile_name": "external",
    "variable_recovery_profile_name": "external",
    "variable_sofia_profile_url": "sip:mod_sofia@127.0.0.1:5062",
}
_HEARD = {
    **_CREATED,
    "variable_sip_reply_host": "127.0.0.1",
    "variable_sip_reply_port": "5080",
    "variable_sip_network_ip": "127.0.0.1",
    "variable_sip_network_port": "5080",
    "variable_sip_recover_contact": "<sip:callee@127.0.0.1:5080;transport=UDP>",
    "variable_sip_full_via": "SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK4Xr5gvUN31myF",
    "variable_sip_recover_via": "SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK4Xr5gvUN31myF",
    "variable_sip_to_port": "5080",
    "variable_sip_contact_params": "transport=UDP",
    "variable_sip_contact_user": "callee",
    "variable_sip_contact_port": "5080",
    "variable_sip_contact_uri": "callee@127.0.0.1:5080",
    "variable_sip_contact_host": "127.0.0.1",
    "variable_sip_to_tag": "22145C31174",
    "variable_sip_from_tag": "67S7D43DSB4Uj",
    "variable_sip_cseq": "123194476",
}
_ANSWERED = {
    **_HEARD,
    "variable_switch_r_sdp": _SDP_THEIRS,
    "variable_ep_codec_string": "CORE_PCM_MODULE.PCMA@8000h@20i@64000b",
    "variable_remote_video_media_flow": "inactive",
    "variable_remote_text_media_flow": "inactive",
    "variable_remote_audio_media_flow": "sendrecv",
    "variable_rtp_audio_recv_pt": "8",
    "variable_rtp_use_codec_name": "PCMA",
    "variable_rtp_use_codec_rate": "8000",
    "variable_rtp_use_codec_ptime": "20",
    "variable_rtp_use_codec_channels": "1",
    "variable_rtp_last_audio_codec_string": "PCMA@8000h@20i@1c",
    "variable_read_codec": "PCMA",
    "variable_original_read_codec": "PCMA",
    "variable_read_rate": "8000",
    "variable_original_read_rate": "8000",
    "variable_write_codec": "PCMA",
    "variable_write_rate": "8000",
    "variable_dtmf_type": "rfc2833",
    "variable_rtp_use_timer_name": "soft",
    "variable_rtp_use_pt": "8",
    "variable_rtp_use_ssrc": "522996945",
    "variable_rtp_2833_send_payload": "101",
    "variable_rtp_2833_recv_payload": "101",
    "variable_remote_media_ip": "127.0.0.1",
    "variable_remote_media_port": "16000",
}
_COUNTERS = (
    "in_raw_bytes in_media_bytes in_packet_count in_media_packet_count in_skip_packet_count "
    "in_jitter_packet_count in_dtmf_packet_count in_cng_packet_count in_flush_packet_count "
    "in_largest_jb_size in_jitter_min_variance in_jitter_max_variance in_jitter_loss_rate "
    "in_jitter_burst_rate in_mean_interval in_flaw_total in_quality_percentage in_mos "
    "out_raw_bytes out_media_bytes out_packet_count out_media_packet_count "
    "out_skip_packet_count out_dtmf_packet_count out_cng_packet_count"
)
_REPORTED = {
    **_ANSWERED,
    **{f"variable_rtp_audio_{name}": "0" for name in _COUNTERS.split()},
    "variable_rtp_audio_rtcp_packet_count": "0",
    "variable_rtp_audio_rtcp_octet_count": "0",
}

BULK: dict[str, bytes] = {
    stage: orjson.dumps(values)[1:-1]
    for stage, values in (
        ("created", _CREATED),
        ("heard", _HEARD),
        ("answered", _ANSWERED),
        ("reported", _REPORTED),
    )
}
