module vehicle-telemetry

go 1.24

require wellhead.dev/sdk v0.0.0

replace wellhead.dev/sdk => ./../../../plugins/sdk-go
