module wellhead.dev/sdk

go 1.24
