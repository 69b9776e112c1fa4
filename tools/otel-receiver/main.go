// The OpenTelemetry collector's receiver of OTLP over HTTP, on a free port of this machine, which it tells on standard error. What it
// receives it writes to standard output: a line of OTLP/JSON a request.
package main

import (
	"context"
	"fmt"
	"log"
	"net"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	settings := map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": address}}}
	if err := confmap.NewFromStringMap(settings).Unmarshal(config); err != nil {
		log.Fatal(err)
	}
	marshaler := plog.JSONMarshaler{}
	sink, err := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
		text, err := marshaler.MarshalLogs(logs)
		if err == nil {
			fmt.Println(string(text))
		}
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	receiver, err := factory.CreateLogs(context.Background(), receivertest.NewNopSettings(factory.Type()), config, sink)
	if err != nil {
		log.Fatal(err)
	}
	if err := receiver.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", address)
	select {}
}
