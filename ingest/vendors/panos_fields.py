"""panos_fields: which field of a PAN-OS log stands at which place, and what ECS calls it.

In:   nothing
Out:  for each type of log the names of its places, behind the seven that all types share; their ECS names and words
Docs: PAN-OS 8.1 to 11.1 Administrator's Guide, "Syslog Field Descriptions"

`_` is a place kept for later use. A version writes as many places as it knows: later ones only add at the end.
"""

from __future__ import annotations

COMMON = ("_", "received_time", "serial_number", "type", "sub_type", "_", "generated_time")

_SESSION = """
source.ip destination.ip source.nat.ip destination.nat.ip ruleset source.user destination.user application virtual_sys
source.zone destination.zone inbound_interface outbound_interface log_profile _ flow_id repeat_count source.port
destination.port source.nat.port destination.nat.port flags protocol action
"""
_GROUPS = "device_group_hierarchy1 device_group_hierarchy2 device_group_hierarchy3 device_group_hierarchy4"
_DEVICE = f"sequence_number action_flags {_GROUPS} vsys_name device_name"
_DEVICES = " ".join(
    f"{end}.{part}"
    for end in ("src", "dst")
    for part in ("category", "profile", "model", "vendor", "os_family", "os_version", "host", "mac")
)
_APPLICATION = """
application_sub_category application_category application_technology application_risk application_characteristics
application_container application_tunneled application_is_saas application_is_sanctioned
"""
_TUNNEL = "imsi imei parent_session_id parent_session_start tunnel_type"

_PLACES = {
    "TRAFFIC": f"""
        {_SESSION} bytes bytes_sent bytes_received packets start_time elapsed_time url_category _ sequence_number
        action_flags source.location destination.location _ packets_sent packets_received endreason {_GROUPS} vsys_name
        device_name action_source source_vm_uuid destination_vm_uuid {_TUNNEL} sctp_assoc sctp_chunks sctp_chunks_sent
        sctp_chunks_received rule_uuid http2_connection link_changes policy_id link_switches sdwan_cluster
        sdwan_device_type sdwan_cluster_type sdwan_site dynamic_user_group xff.ip {_DEVICES} container_id pod_namespace
        pod_name source_edl destination_edl host_id client_serial source_dag destination_dag session_owner
        high_resolution_time nssai_sst nssai_sd {_APPLICATION} offloaded""",
    "THREAT": f"""
        {_SESSION} misc threat url_category severity direction sequence_number action_flags source.location
        destination.location _ content_type pcap_id file_hash cloud url_index user_agent file_type xff referrer sender
        subject recipient report_id {_GROUPS} vsys_name device_name _ source_vm_uuid destination_vm_uuid http_method
        {_TUNNEL} threat_category content_version _ sctp_assoc payload_protocol http_headers url_category_list rule_uuid
        http2_connection dynamic_user_group xff.ip {_DEVICES} container_id pod_namespace pod_name source_edl
        destination_edl host_id client_serial domain_edl source_dag destination_dag partial_hash high_resolution_time
        reason justification nssai_sst {_APPLICATION} cloud_report""",
    "SYSTEM": f"virtual_sys event_id object _ _ module severity description {_DEVICE} _ _ high_resolution_time",
    "CONFIG": f"""
        host virtual_sys command admin client result configuration_path before_change after_change {_DEVICE} _ _
        high_resolution_time""",
    "HIPMATCH": f"""
        source.user virtual_sys machine_name os source.ip hip repeat_count hip_type _ _ {_DEVICE} vsys_id source.ipv6
        host_id client_serial mac_address high_resolution_time""",
    "USERID": f"""
        virtual_sys source.ip source.user datasource_name event_id repeat_count timeout source.port destination.port
        datasource datasource_type {_DEVICE} vsys_id factor_type factor_time factor_number ug_flags user_by_source
        tag_name high_resolution_time""",
    "GLOBALPROTECT": f"""
        virtual_sys event_id stage auth_method tunnel_type source.user source.location machine_name public.ip
        public.ipv6 private.ip private.ipv6 host_id client_serial client_version client_os client_os_version
        repeat_count reason error description status location login_duration connect_method error_code portal
        sequence_number action_flags high_resolution_time selection_type response_time priority attempted_gateways
        gateway {_GROUPS} vsys_name device_name vsys_id""",
    "DECRYPTION": f"""
        {_SESSION} tunnel_type _ _ source_vm_uuid destination_vm_uuid rule_uuid client_stage server_stage tls_version
        key_exchange encryption tls_auth policy_name elliptic_curve error_index root_status chain_status proxy_type
        certificate_serial fingerprint not_before not_after certificate_version certificate_size cn_length
        issuer_length root_length sni_length certificate_flags common_name issuer_name root_name server_name error
        container_id pod_namespace pod_name source_edl destination_edl source_dag destination_dag high_resolution_time
        {_DEVICES} {_DEVICE} vsys_id {_APPLICATION}""",
    "AUTHENTICATION": f"""
        virtual_sys source.ip source.user normalize_user object auth_policy repeat_count auth_id vendor log_profile
        server_profile description client_type status factor_number {_DEVICE} vsys_id auth_protocol rule_uuid
        high_resolution_time source.category source.profile source.model source.vendor source.os_family
        source.os_version source.host source.mac region _ user_agent session_id""",
}
PLACES: dict[str, tuple[str, ...]] = {kind: tuple(names.split()) for kind, names in _PLACES.items()}
# Before 10.0, and without a profile that asks for them, a change is logged without what it was before and after.
PLACES["CONFIG-SHORT"] = tuple(name for name in PLACES["CONFIG"] if name not in ("before_change", "after_change"))
PLACES["HIP-MATCH"] = PLACES["HIPMATCH"]
# Of inspected tunnels, which are sessions too.
PLACES["START"] = PLACES["END"] = tuple(_SESSION.split())

# ECS field -> the place that fills it.
FIELDS = {
    "event.created": "received_time",
    "observer.serial_number": "serial_number",
    "observer.hostname": "device_name",
    "observer.ingress.interface.name": "inbound_interface",
    "observer.egress.interface.name": "outbound_interface",
    "observer.ingress.zone": "source.zone",
    "observer.egress.zone": "destination.zone",
    "source.ip": "source.ip",
    "source.port": "source.port",
    "source.bytes": "bytes_sent",
    "source.packets": "packets_sent",
    "source.geo.name": "source.location",
    "destination.ip": "destination.ip",
    "destination.port": "destination.port",
    "destination.bytes": "bytes_received",
    "destination.packets": "packets_received",
    "destination.geo.name": "destination.location",
    "network.application": "application",
    "network.transport": "protocol",
    "network.bytes": "bytes",
    "network.packets": "packets",
    "rule.name": "ruleset",
    "rule.uuid": "rule_uuid",
    "log.level": "severity",
    "event.reason": "reason",
    "event.code": "event_id",
    "http.request.method": "http_method",
    "http.request.referrer": "referrer",
    "user_agent.original": "user_agent",
    "file.hash.sha256": "file_hash",
    "email.subject": "subject",
    "tls.cipher": "encryption",
    "tls.client.server_name": "server_name",
    "host.name": "machine_name",
}
ACTIONS = {
    "start": "flow_started", "end": "flow_terminated", "drop": "flow_dropped", "deny": "flow_denied",
    "data": "data_match", "file": "file_match", "flood": "flood_detected", "packet": "packet_attack",
    "scan": "scan_detected", "spyware": "spyware_detected", "url": "url_filtering", "virus": "virus_detected",
    "vulnerability": "exploit_detected", "wildfire": "wildfire_verdict", "wildfire-virus": "wildfire_virus_detected",
}  # fmt: skip
OTHER_NAMES = {"CONFIG-SHORT": "CONFIG", "HIP-MATCH": "HIPMATCH", "START": "TUNNEL", "END": "TUNNEL"}
SEVERITIES = {"critical": "1", "high": "2", "medium": "3", "low": "4", "informational": "5"}
DIRECTIONS = {"0": "inbound", "client-to-server": "inbound", "1": "outbound", "server-to-client": "outbound"}
ZONES = {
    "untrust>trust": "inbound",
    "trust>untrust": "outbound",
    "trust>trust": "internal",
    "untrust>untrust": "external",
}
