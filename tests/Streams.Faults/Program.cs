return await Streams.Faults.FaultsProgram.RunAsync(args);
