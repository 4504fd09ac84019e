import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { backend } from './server/backend.ts'

export default defineConfig({
  plugins: [react(), backend()],
  server: { port: 5173, strictPort: true },
  preview: { port: 5173, strictPort: true },
})
