return await Streams.Faults.WriterProgram.RunAsync(args);
