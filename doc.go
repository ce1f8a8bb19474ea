// Package haul moves bytes between a machine and Amazon S3, or any store that
// speaks S3: up, down, from object to object, in parts and in parallel, with
// checksums from end to end.
//
//	cfg, err := config.LoadDefaultConfig(ctx) // of the AWS SDK
//	if err != nil {
//		return err
//	}
//	m, err := haul.New(cfg)
//	if err != nil {
//		return err
//	}
//	return m.Run(ctx, func(ctx context.Context) error {
//		f, err := m.Upload(ctx, haul.FromFile("data.tar"), &s3.PutObjectInput{
//			Bucket: aws.String("bucket"), Key: aws.String("backup/data.tar"),
//		})
//		_, err = haul.Wait(f, err)
//		return err
//	})
//
// A [Manager] takes transfers and runs them; each is a [Future] that settles
// with a [Result] or a [*TransferError]. What to send and where to put it are a
// [Source] and a [Sink]; what else an S3 request can say is in the AWS SDK's own
// input, every field of which means what it means there and is sent on the
// requests where it belongs. A [Subscriber] is told when a transfer is queued,
// what it has done, and that it is done.
//
// [New] and [NewFromClient] make a Manager on haul's own engine; [NewClassic]
// makes the same Manager on plain calls of the SDK. Shut a Manager down with
// [Manager.Shutdown] or [Manager.ShutdownNow], or have [Manager.Run] do it.
package haul
